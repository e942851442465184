// WebKitGTK's own browser keeps nothing on disk while it is driven. This one does: a script for gjs,
// given a folder for its profile, that opens a window for each that WebDriver asks for. A second
// argument is the part of the disk that one origin may take.

imports.gi.versions.Gtk = '3.0'
imports.gi.versions.WebKit2 = '4.1'
const { Gtk, WebKit2 } = imports.gi

const [profile, ratio] = ARGV
let windows = 0

Gtk.init(null)
const context = new WebKit2.WebContext({
  website_data_manager: new WebKit2.WebsiteDataManager({
    base_data_directory: `${profile}/data`,
    base_cache_directory: `${profile}/cache`,
    ...(ratio ? { origin_storage_ratio: Number(ratio) } : {}),
  }),
})
context.set_automation_allowed(true)
context.connect('automation-started', (_context, session) => {
  session.connect('create-web-view', openWindow)
})
Gtk.main()

function openWindow() {
  const view = new WebKit2.WebView({ web_context: context, is_controlled_by_automation: true })
  const window = new Gtk.Window({ default_width: 1280, default_height: 800 })
  window.add(view)
  windows++
  view.connect('close', () => {
    window.destroy()
    if (--windows === 0) Gtk.main_quit()
  })
  window.show_all()
  return view
}
