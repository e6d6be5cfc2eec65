import type { Message, Network } from '../../src/contracts.js'
import { GrpcNetwork } from '../../src/network/grpc.js'
import { protobufCodec } from '../../src/network/grpc-codec.js'
import { jsonCodec } from '../../src/network/json-codec.js'
import { TcpNetwork } from '../../src/network/tcp.js'
import { UdpNetwork } from '../../src/network/udp.js'
import { calm, SimulatedNetwork, type Weather } from '../../src/proof/simulation/network.js'
import { SeededRandom } from '../../src/proof/simulation/random.js'
import { Timeline } from '../../src/proof/simulation/timeline.js'
import { schemas } from '../../stages/schemas.js'
import type { Make } from './peers.js'
import { stage } from './stage.js'

/** An implementation of `Network`, and what the suite must know of it. */
export interface Wire {
  /** Those that one opening makes reach each other. */
  open(): Make
  /** Whether a message that was sent once may arrive twice. */
  readonly mayRepeat: boolean
  /** It has ports, clusters and processes of its own, which may be lied to, stopped and showered with garbage. */
  readonly isReal: boolean
}

/** Every real implementation that the suite is run on. Another one is another line here. */
export const wires: Readonly<Record<string, Wire>> = {
  tcp: { open: () => (options) => new TcpNetwork(options), mayRepeat: false, isReal: true },
  udp: { open: () => (options) => new UdpNetwork(options), mayRepeat: true, isReal: true },
  grpc: {
    open: () => (options) => new GrpcNetwork({ ...options, schemas, codec: protobufCodec(stage, schemas) }),
    mayRepeat: false,
    isReal: true,
  },
}

const stormy: Weather = {
  minDelayMs: 0,
  maxDelayMs: 20,
  loss: 0.2,
  duplication: 0.2,
  straggling: 0.1,
  straggleFactor: 10,
}

/** The simulator's air, in fair weather and in foul. */
export const simulatedWires: Readonly<Record<string, Wire>> = {
  'simulator, calm': { open: () => air(calm), mayRepeat: false, isReal: false },
  'simulator, storm': { open: () => air(stormy), mayRepeat: true, isReal: false },
}

/** Virtual time goes on by itself here, a step with each turn of the event loop, as long as messages are on their way. */
function air(weather: Weather): Make {
  const timeline = new Timeline()
  const receivers = new Map<string, (message: Message) => void>()
  const deliver = (message: Message) => receivers.get(message.to)?.(message)
  const network = new SimulatedNetwork(timeline, new SeededRandom(1), jsonCodec(stage), deliver, () => {})
  network.weather = weather
  const goOn = () => {
    if (timeline.step()) setImmediate(goOn)
  }
  return ({ self }): Network => ({
    async start(receive) {
      receivers.set(self, receive)
    },
    send(message) {
      if (network.inFlight === 0) setImmediate(goOn)
      network.send(message)
    },
    setIdentity() {},
    setPeers() {},
    async stop() {
      receivers.delete(self)
    },
  })
}
