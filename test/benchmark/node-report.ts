/** What a measured node tells the benchmark, as events beside its ordinary ones. */
export type NodeReport =
  | {
      readonly event: 'event_loop'
      readonly node: string
      readonly longestPauseMs: number
      /** The longest time for which the garbage collector held everything up. */
      readonly longestCollectionMs: number
      /** Of the whole process, by now. */
      readonly residentBytes: number
    }
  | { readonly event: 'profile_begun' | 'profile_ended'; readonly node: string }

/** The profile's name, in the folder of the node's data. */
export const profileFile = 'node.cpuprofile'
