import type { Feed } from '../../client/ui/feed.js'
import type { Shown } from '../../client/ui/server.js'
import { aboutStage } from '../../client/ui/shown.js'
import { latest } from '../../stages/index.js'

/** Makes a page of a run with these events, which answers each line with itself. */
export function shownOf(feed: Feed): Shown {
  const can = { act: true, members: false, fork: false, step: false, goBack: false }
  const texts = { title: 'a run', about: '', words: [], judges: 'all calls', question: null }
  const perform = async (line: string) => ({ ok: true, text: line })
  return { feed, hello: { kind: 'live', clock: 'wall', ...texts, ...aboutStage(latest), can }, perform }
}
