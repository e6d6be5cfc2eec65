import type { Plan } from './plan.js'

/** Whether a smaller plan still shows what the larger one showed. */
export type StillFails = (plan: Plan) => Promise<boolean>

/**
 * The smallest disaster: leaves out faults and calls as long as the failure stays (Zeller and Hildebrandt's ddmin:
 * halves first, then ever smaller parts), then calms the weather where it can.
 */
export async function shrink(plan: Plan, stillFails: StillFails): Promise<Plan> {
  let smallest = plan
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
