/**
 * A probe on a host. `echo` sends every datagram back. `ask ADDRESS COUNT` sends so many, numbered from 0, says that they
 * are sent, and prints the numbers in the order in which they came back, with the milliseconds of the quickest.
 */
import { createSocket } from 'node:dgram'

const port = 99
const [task, address, count] = process.argv.slice(2)
const socket = createSocket('udp4')

function echo(): void {
  socket.on('message', (datagram, from) => socket.send(datagram, from.port, from.address))
  socket.bind(port, () => console.log('listening'))
}

function ask(wanted: number): void {
  const sentAt: number[] = []
  const numbers: number[] = []
  let quickestMs = Number.POSITIVE_INFINITY
  socket.on('message', (datagram) => {
    const number = Number(datagram.toString())
    quickestMs = Math.min(quickestMs, performance.now() - sentAt[number]!)
    if (numbers.push(number) < wanted) return
    console.log(JSON.stringify({ numbers, quickestMs }))
    socket.close()
  })
  for (let number = 0; number < wanted; number++) {
    sentAt[number] = performance.now()
    socket.send(String(number), port, address, () => number === wanted - 1 && console.log(JSON.stringify({ wanted })))
  }
}

if (task === 'echo') echo()
else ask(Number(count))
