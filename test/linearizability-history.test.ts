import t from 'tap'
import { HistoryError, parseHistory } from '../src/proof/linearizability/index.js'

t.test('records that are no operations are refused, with their number', async (t) => {
  const moments = { client: 'c1', call: 1, return: 2 }
  const good = { ...moments, command: { command: 'get', key: 'a' }, outcome: 'done', answer: { value: null } }
  const compare = { command: 'cas', key: 'a', expected: '1', value: '2' }
  const bad: [unknown, string][] = [
    [[], 'an operation must be an object'],
    [{ ...good, client: 7 }, 'client must be a string'],
    [{ ...good, id: null }, 'id must be a number or a string'],
    [{ ...good, command: 'get' }, 'command must be an object such as {"command":"get","key":"a"}'],
    [
      { ...good, command: { command: 'scan' } },
      'command.command must be one of get, set, delete, append, cas, not "scan"',
    ],
    [{ ...good, command: { command: 'get' } }, 'command.key must be a string'],
    [
      { ...good, command: { command: 'cas', key: 'a', value: '' } },
      'command.expected must be a string, or null for "absent"',
    ],
    [{ ...good, call: '1' }, 'call must be a finite number'],
    [{ ...good, return: undefined }, 'return must be a finite number, or null when no answer came'],
    [{ ...good, return: null }, 'return is null, so the outcome must be "unknown"'],
    [{ ...good, return: 0 }, 'it returns at 0, before its call at 1'],
    [{ ...good, outcome: 'ok' }, 'outcome must be "done", "refused" or "unknown"'],
    [{ ...good, answer: {} }, 'a get that is done must have answer.value, a string or null'],
    [
      { ...moments, command: { command: 'delete', key: 'a' }, outcome: 'done' },
      'a delete that is done must have answer.existed, true or false',
    ],
    [
      { ...moments, command: { command: 'append', key: 'a', value: 'x' }, outcome: 'done' },
      'an append that is done must have answer.length, a whole number',
    ],
    [{ ...good, outcome: 'refused' }, 'an operation that is refused must have error.code, a string'],
    [
      { ...good, command: compare, outcome: 'refused', error: { code: 'timeout' } },
      'timeout leaves open whether anything was done, so the outcome must be "unknown"',
    ],
    [{ ...good, outcome: 'refused', error: { code: 'cas_mismatch' } }, 'cas_mismatch can only refuse a cas, not a get'],
    [
      { ...good, command: compare, outcome: 'refused', error: { code: 'cas_mismatch', actual: 3 } },
      'error.actual must be a string, or null for "absent"',
    ],
  ]
  for (const [record, problem] of bad) {
    t.throws(() => parseHistory([good, record]), new HistoryError(2, problem), problem)
  }
  t.throws(() => parseHistory([good, { ...good, call: Number.NaN }]), {
    record: 2,
    message: 'record 2: call must be a finite number',
  })
  t.same(parseHistory(JSON.parse(JSON.stringify([good]))), [good], 'a record survives JSON')
})
