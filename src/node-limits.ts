import type { Admission } from './admission.js'
import type { Application } from './application.js'
import { type Clock, failure, type Refusal, type StateMachine } from './contracts.js'
import { ConfigError } from './errors.js'
import type { Quotas } from './server/quotas.js'
import type { Stage } from './stage.js'
import type { DiskRoom } from './storage/disk-room.js'

/** The limits of one node: on its store's bytes, and on the room of its disk. */
export class NodeLimits implements Admission {
  /** Makes the application's state machine; its bytes count from then on. */
  readonly machine: (clock: Clock) => StateMachine
  readonly #application: Application
  readonly #disk: DiskRoom | null
  readonly #maxStoreBytes: number | undefined
  #state: StateMachine | null = null

  /** @throws ConfigError if the stage has no rule for a limit, or the application does not count its bytes */
  constructor(stage: Stage, { maxStoreBytes, diskReserve }: Quotas, disk: DiskRoom | null) {
    const { application } = stage
    if (!stage.asksForRoom && (maxStoreBytes ?? diskReserve) !== undefined)
      throw new ConfigError(
        `stage ${stage.number} has no limits of bytes (maxStoreBytes, diskReserve): from stage 10 on`,
      )
    if (maxStoreBytes !== undefined && !application.growthOf)
      throw new ConfigError(`maxStoreBytes: the application ${application.name} does not count its bytes; leave it out`)
    this.#application = application
    this.#disk = disk
    this.#maxStoreBytes = maxStoreBytes
    this.machine = (clock) => {
      this.#state = application.machine(clock)
      return this.#state
    }
  }

  get isOpen(): boolean {
    return this.#maxStoreBytes === undefined && !this.isDiskLow
  }

  get isDiskLow(): boolean {
    return this.#disk?.isLow ?? false
  }

  growthOf(command: unknown): number {
    const { codec, growthOf } = this.#application
    const decoded = growthOf && codec.decode(command)
    return decoded ? growthOf(decoded) : 1
  }

  refusal(growth: number, underWay: number): Refusal | null {
    return this.#noDisk(growth) ?? this.#noStore(growth, underWay)
  }

  /** A command that frees room is taken for longer: without it, the disk would stay full. */
  #noDisk(growth: number): Refusal | null {
    const disk = this.#disk
    if (!disk?.isLow || (growth === 0 && !disk.isNearlyGone)) return null
    const { freeBytes, reserveBytes } = disk
    const why = `the leader's disk has ${freeBytes} bytes left, and ${reserveBytes} are held back: make room there, or have another node lead (transfer_leader)`
    return failure('disk_full', why, { freeBytes, reserveBytes })
  }

  #noStore(growth: number, underWay: number): Refusal | null {
    const [most, held] = [this.#maxStoreBytes, this.#storeBytes]
    if (most === undefined || growth === 0 || held + underWay + growth <= most) return null
    const more = underWay > 0 ? `, writes under way may add ${underWay}` : ''
    const why = `the store holds ${held} bytes of keys and values${more}, this one may add ${growth}, and ${most} are allowed: delete something first`
    return failure('store_full', why, { storeBytes: held, maxStoreBytes: most })
  }

  get #storeBytes(): number {
    return this.#state?.bytes ?? 0
  }

  get facts(): Readonly<Record<string, unknown>> {
    const [disk, maxStoreBytes] = [this.#disk, this.#maxStoreBytes]
    return {
      ...(this.#state?.bytes !== undefined && { storeBytes: this.#state.bytes }),
      ...(maxStoreBytes !== undefined && { maxStoreBytes }),
      ...(disk?.freeBytes !== undefined && { diskFreeBytes: disk.freeBytes }),
      ...(disk?.isLow && { diskLow: true }),
    }
  }
}
