/** In Node, a port that is listened to keeps the program running, unless it is told not to. @internal */
export function holdOpen(port: MessagePort & { ref?(): void; unref?(): void }, hold: boolean): void {
  if (hold) port.ref?.()
  else port.unref?.()
}
