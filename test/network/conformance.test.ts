import t from 'tap'
import { networkConformance } from './conformance.js'
import { simulatedWires, wires } from './wires.js'

for (const [name, wire] of Object.entries({ ...wires, ...simulatedWires })) networkConformance(t, name, wire)
