/** A place in the drawing of the ring, in its own units. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** The size of the drawing, and of a node in it. */
export const size = 400
export const nodeRadius = 30
const ringRadius = 140
/** Units beside a node or a link within which a pointer still means it. */
const [nearNode, nearLink] = [10, 12]

/** Places nodes on a ring, the first at the top, the others clockwise. */
export function placesOf(nodes: readonly string[]): ReadonlyMap<string, Point> {
  const centre = size / 2
  if (nodes.length === 1) return new Map([[nodes[0]!, { x: centre, y: centre }]])
  return new Map(
    nodes.map((id, at) => {
      const angle = (2 * Math.PI * at) / nodes.length - Math.PI / 2
      return [id, { x: centre + ringRadius * Math.cos(angle), y: centre + ringRadius * Math.sin(angle) }]
    }),
  )
}

/** Finds the point on the way from one to another: 0 is the start, 1 the end. */
export function between(from: Point, to: Point, part: number): Point {
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part }
}

/** Shortens a way at both ends by a length, and shifts it to its right, so that there and back lie beside each other. */
export function lane(from: Point, to: Point, shortened: number, aside: number): readonly [Point, Point] {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1
  const [dx, dy] = [(to.x - from.x) / length, (to.y - from.y) / length]
  const shift = ({ x, y }: Point, along: number): Point => ({
    x: x + dx * along - dy * aside,
    y: y + dy * along + dx * aside,
  })
  return [shift(from, shortened), shift(to, -shortened)]
}

/** Finds the node at a point; null if there is none. */
export function nodeAt(places: ReadonlyMap<string, Point>, point: Point): string | null {
  for (const [id, { x, y }] of places) if (Math.hypot(x - point.x, y - point.y) <= nodeRadius + nearNode) return id
  return null
}

/**
 * Finds the link at a point, as its two ends, the nearer one first: a drag along the link begins there. Null if there is
 * none.
 */
export function linkAt(places: ReadonlyMap<string, Point>, point: Point): readonly [string, string] | null {
  const ids = [...places.keys()]
  let best: { readonly ends: readonly [string, string]; readonly distance: number } | null = null
  for (const [at, one] of ids.entries()) {
    for (const other of ids.slice(at + 1)) {
      const [a, b] = [places.get(one)!, places.get(other)!]
      const distance = distanceTo(a, b, point)
      if (distance > nearLink || (best && best.distance <= distance)) continue
      const isNearerToFirst = Math.hypot(a.x - point.x, a.y - point.y) <= Math.hypot(b.x - point.x, b.y - point.y)
      best = { ends: isNearerToFirst ? [one, other] : [other, one], distance }
    }
  }
  return best?.ends ?? null
}

/** Measures how far a point is from the way between two others. */
function distanceTo(from: Point, to: Point, point: Point): number {
  const square = (to.x - from.x) ** 2 + (to.y - from.y) ** 2
  const along = ((point.x - from.x) * (to.x - from.x) + (point.y - from.y) * (to.y - from.y)) / (square || 1)
  const near = between(from, to, Math.min(1, Math.max(0, along)))
  return Math.hypot(near.x - point.x, near.y - point.y)
}

/** Checks whether a drag goes along a link from its first end towards its second. */
export function goesAlong(from: Point, to: Point, drag: readonly [Point, Point]): boolean {
  const [start, end] = drag
  return (to.x - from.x) * (end.x - start.x) + (to.y - from.y) * (end.y - start.y) > 0
}

/** Finds the nodes that a drawn loop goes around. */
export function nodesInside(places: ReadonlyMap<string, Point>, loop: readonly Point[]): string[] {
  return [...places].flatMap(([id, point]) => (isInside(loop, point) ? [id] : []))
}

/** Counts how often a ray from the point to the right crosses the loop: an odd number of times from inside. */
function isInside(loop: readonly Point[], { x, y }: Point): boolean {
  let inside = false
  for (const [at, a] of loop.entries()) {
    const b = loop[(at + 1) % loop.length]!
    if (a.y > y === b.y > y) continue
    if (x < a.x + ((b.x - a.x) * (y - a.y)) / (b.y - a.y)) inside = !inside
  }
  return inside
}

/** Converts the place of a pointer to units of the drawing. */
export function toDrawing(
  {
    left,
    top,
    width,
    height,
  }: { readonly left: number; readonly top: number; readonly width: number; readonly height: number },
  { clientX, clientY }: { readonly clientX: number; readonly clientY: number },
): Point {
  const scale = size / (Math.min(width, height) || 1)
  return {
    x: (clientX - left - (width - size / scale) / 2) * scale,
    y: (clientY - top - (height - size / scale) / 2) * scale,
  }
}
