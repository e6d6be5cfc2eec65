import type { ChildProcess } from 'node:child_process'
import { BenchmarkError, startScript, stopChild } from '../children.js'
import type { LoaderMessage, LoadPlan, Portion } from './loader.js'

/** A load that goes on until it is stopped. */
export class RunningLoad {
  readonly #child: ChildProcess
  #resolve: (message: LoaderMessage) => void = () => {}
  #reject: (error: Error) => void = () => {}
  #heard: Promise<LoaderMessage>

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#heard = this.#next()
    child.on('message', (message: LoaderMessage) => this.#resolve(message))
    child.once('exit', () => this.#reject(new BenchmarkError('the loader ended early')))
  }

  /** @returns once every key has a value, with what that took */
  static async start(plan: LoadPlan): Promise<{ load: RunningLoad; filled: Portion }> {
    const load = new RunningLoad(startScript('compaction/loader', JSON.stringify(plan)))
    const message = await load.#hear()
    if ('filled' in message) return { load, filled: message.filled }
    throw new BenchmarkError('the loader answered before it was asked')
  }

  /** What came back since this was last asked. */
  async portion(): Promise<Portion> {
    this.#child.send('portion')
    const message = await this.#hear()
    if ('portion' in message) return message.portion
    throw new BenchmarkError('the loader filled the store twice')
  }

  stop(): Promise<void> {
    return stopChild(this.#child)
  }

  #next(): Promise<LoaderMessage> {
    const heard = new Promise<LoaderMessage>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Whoever asks next hears of it, and nobody may ask.
    heard.catch(() => {})
    return heard
  }

  async #hear(): Promise<LoaderMessage> {
    const message = await this.#heard
    this.#heard = this.#next()
    if ('problem' in message) throw new BenchmarkError(message.problem)
    return message
  }
}
