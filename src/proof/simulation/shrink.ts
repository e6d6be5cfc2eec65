import type { Asked } from './client.js'
import type { Plan } from './plan.js'

/** Checks that a smaller plan still shows the failure of the larger one. */
export type StillFails = (plan: Plan) => Promise<boolean>

/** Plans tried in a row without a failure, after which the smallest plan so far is small enough. */
const usuallyInVain = 25

/**
 * Cuts a plan at a moment: later faults go, and calls that had not been made by then.
 *
 * @param operations that the clients made when the plan was played, in the order of their calls
 * @param momentMs virtual milliseconds
 */
export function upTo(plan: Plan, operations: readonly Asked[], momentMs: number): Plan {
  const left = new Map<string, number>()
  for (const { client, call } of operations) if (call <= momentMs) left.set(client, (left.get(client) ?? 0) + 1)
  const calls = plan.calls.filter(({ client, command }) => {
    if (!('key' in command)) return true
    const count = left.get(client) ?? 0
    left.set(client, count - 1)
    return count > 0
  })
  const faults = plan.faults.filter(({ at }) => at <= momentMs)
  return { ...plan, calls, faults, fireMs: Math.min(plan.fireMs, Math.ceil(momentMs)) }
}

/**
 * Shrinks a failing plan: leaves out faults and calls as long as the failure stays (Zeller and Hildebrandt's ddmin:
 * halves first, then ever smaller parts), then calms the weather where it can.
 *
 * @param mostInVain plans tried in a row without a failure, after which it ends
 */
export async function shrink(plan: Plan, fails: StillFails, mostInVain = usuallyInVain): Promise<Plan> {
  let smallest = plan
  let inVain = 0
  const stillFails: StillFails = async (smaller) => {
    if (inVain === mostInVain || !(await fails(smaller))) {
      inVain = Math.min(inVain + 1, mostInVain)
      return false
    }
    inVain = 0
    return true
  }
  for (let before = Number.POSITIVE_INFINITY; size(smallest) < before; ) {
    before = size(smallest)
    const { calls, faults } = smallest
    const fewerCalls = await minimise(calls, (some) => stillFails({ ...smallest, calls: some }))
    smallest = { ...smallest, calls: fewerCalls }
    const withCalls = smallest
    smallest = { ...withCalls, faults: await minimise(faults, (some) => stillFails({ ...withCalls, faults: some })) }
    smallest = await calmer(smallest, stillFails)
  }
  return smallest
}

function size({ calls, faults }: Plan): number {
  return calls.length + faults.length
}

async function minimise<T>(
  items: readonly T[],
  fails: (some: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let rest = items
  for (let part = Math.ceil(rest.length / 2); part >= 1; part = part === 1 ? 0 : Math.ceil(part / 2)) {
    for (let from = 0; from < rest.length; ) {
      const without = [...rest.slice(0, from), ...rest.slice(from + part)]
      if (await fails(without)) rest = without
      else from += part
    }
  }
  return rest
}

async function calmer(plan: Plan, stillFails: StillFails): Promise<Plan> {
  let calmest = plan
  for (const quiet of [{ duplication: 0 }, { loss: 0 }, { straggling: 0 }, { maxDelayMs: plan.weather.minDelayMs }]) {
    const candidate = { ...calmest, weather: { ...calmest.weather, ...quiet } }
    if (await stillFails(candidate)) calmest = candidate
  }
  return calmest
}
