import { colour } from '../text/colour.js'
import { doesSame, type Experiment, type Task } from './lesson.js'

/** A task, and the place where it stands in its experiment. */
interface Place {
  readonly experiment: Experiment
  readonly task: Task
  readonly isFirst: boolean
  readonly isLast: boolean
}

const wordsOfGuide = ' Enter: no prediction. Other words: next, to go on without doing it; step, to see it again; exit'

/**
 * A guide through the experiments of a lesson. It says what is to be done, asks first what will happen, notices when a
 * person has done it, and shows what the lesson prints. It keeps no score.
 */
export class Guide {
  readonly #places: readonly Place[]
  #at = 0
  /** True while the next line is the prediction for the present task. */
  #isAsking = false
  #prediction = ''
  /** True once the words of the guide were told. */
  #isIntroduced = false

  constructor(experiments: readonly Experiment[]) {
    this.#places = experiments.flatMap((experiment) =>
      experiment.tasks.map((task, at, { length }) => ({
        experiment,
        task,
        isFirst: at === 0,
        isLast: at === length - 1,
      })),
    )
  }

  /** The line of the cluster that is to be started now; null if none is. */
  get start(): string | null {
    const task = this.#places[this.#at]?.task
    return task?.kind === 'start' ? task.line : null
  }

  /** True if the prompt has nothing more to do: the lesson is over, or goes on with another cluster. */
  get leaves(): boolean {
    return this.#at >= this.#places.length || this.start !== null
  }

  /** Goes past the start of a cluster, which runs now. @returns the text that begins the next task */
  started(): string {
    return this.#goOn()
  }

  /**
   * Takes a line that was typed before it is obeyed. @returns the text that answers it, if it was for the guide: a
   * prediction, `next` or `step`; null if the prompt is to obey it
   */
  takes(line: string): string | null {
    const place = this.#places[this.#at]
    if (!place) return null
    if (line === 'next') return this.#finish('')
    if (line === 'step') return this.#ask(place)
    if (!this.#isAsking || line === 'exit' || line === 'help') return null
    this.#isAsking = false
    const { task } = place
    if (task.kind === 'type' && doesSame(line, task.line)) return null
    this.#prediction = line
    return colour.dim(task.kind === 'type' ? `now type: ${task.line}` : 'now do it, and type: next')
  }

  /** Hears that a line was obeyed. @returns what comes next, if it was the present task; null if it was another line */
  obeyed(line: string): string | null {
    const task = this.#places[this.#at]?.task
    return task?.kind === 'type' && doesSame(line, task.line) ? this.#finish('done: ') : null
  }

  #finish(how: string): string {
    const { task, experiment, isLast } = this.#places[this.#at]!
    const printed = task.kind === 'start' ? [] : task.printed
    const shown = [
      ...(this.#prediction === '' ? [] : [`you predicted    ${this.#prediction}`]),
      ...(printed.length === 0 ? [] : [`${how}the lesson prints`, ...printed.map((line) => `  ${line}`)]),
    ]
    const moral = isLast && experiment.prose !== '' ? ['', experiment.prose] : []
    return [...shown.map((line) => colour.dim(line)), ...moral, this.#goOn()].join('\n')
  }

  #goOn(): string {
    this.#at++
    this.#prediction = ''
    this.#isAsking = false
    const place = this.#places[this.#at]
    if (!place) return `\n${colour.bold('This was the lesson.')} The exercises are at its end.`
    return this.start === null ? `\n${this.#ask(place)}` : `\n${colour.bold('The next cluster')}: ${this.start}`
  }

  /** Says what is to be done, and asks what will happen. */
  #ask({ task, experiment, isFirst }: Place): string {
    if (task.kind === 'start') return ''
    const before = this.#places[this.#at - 1]
    const isNew = isFirst || before?.task.kind === 'start'
    const head = isNew ? [colour.bold(experiment.title)] : []
    const todo =
      task.kind === 'type'
        ? [`${colour.cyan('▶')} ${task.line}`]
        : [`${colour.cyan('▶')} in a second terminal:`, ...task.lines]
    this.#isAsking = task.printed.length > 0
    const question = this.#isAsking ? [colour.dim(`What will happen?${this.#isIntroduced ? '' : wordsOfGuide}`)] : []
    this.#isIntroduced ||= this.#isAsking
    const wait = task.kind === 'outside' && !this.#isAsking ? [colour.dim('then type: next')] : []
    return [...head, ...todo, ...question, ...wait].join('\n')
  }
}
