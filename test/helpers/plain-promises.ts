/**
 * A module that test processes load first (`node --import`), so that tap watches no promises.
 *
 * Tap finds the test to which a stray error belongs with a hook that runs for every promise. A simulation makes
 * millions of promises: with the hook, it takes two and a half times the CPU time. Without the hook, a stray error ends
 * the process of its test file with a stack, and the file has failed all the same.
 */
import hooks, { type AsyncHook } from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'

const idle: AsyncHook = { enable: () => idle, disable: () => idle }
hooks.createHook = () => idle
syncBuiltinESMExports()
