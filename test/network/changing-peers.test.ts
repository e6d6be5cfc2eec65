import t from 'tap'
import { changingPeers } from './changing-peers.js'
import { wires } from './wires.js'

for (const [name, wire] of Object.entries(wires)) changingPeers(t, name, wire)
