// Tells the size of the engine's memory to whoever asks on the channel.

const { instantiate } = WebAssembly
let memory
WebAssembly.instantiate = async (...parameters) => {
  const instance = await instantiate(...parameters)
  memory = instance.exports.mem
  return instance
}
const channel = new BroadcastChannel('engine-memory')
channel.onmessage = () => channel.postMessage(memory.buffer.byteLength)
