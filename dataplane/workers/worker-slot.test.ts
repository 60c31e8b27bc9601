import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { pino } from 'pino'
import type { Snapshot } from '../../contract/snapshot.ts'
import type { Ack } from '../sync/plan-holder.ts'
import { Channel, type ProcessPipe } from './channel.ts'
import type { PrimaryCalls } from './worker-calls.ts'
import type { WorkerProcess } from './worker-process.ts'
import { WorkerSlot } from './worker-slot.ts'

const snapshot = (version: string): Snapshot => ({ gateway: 'ns/gw', version, resources: [], hold: [] })

/** A worker in this process; the test says what it does with a version. */
class ScriptedWorker implements WorkerProcess {
  readonly pid: number
  readonly channel: Channel<never> & WorkerProcess['channel']
  readonly stdout = new PassThrough()
  readonly exited: WorkerProcess['exited']
  readonly seen: string[] = []
  closed: number | undefined
  #exit: (how: { code: number | null; signal: string | null }) => void = () => {}
  #connected = true
  readonly #ends: readonly [EventEmitter, EventEmitter] = [new EventEmitter(), new EventEmitter()]

  constructor(pid: number, calls: PrimaryCalls, onApply: (worker: ScriptedWorker, version: string) => Promise<Ack>) {
    this.pid = pid
    this.exited = new Promise((resolve) => {
      this.#exit = resolve
    })
    this.channel = new Channel(this.#pipe(0), calls) as never
    const own = new Channel<PrimaryCalls>(this.#pipe(1), {
      apply: async ({ version }: Snapshot) => {
        this.seen.push(version)
        return onApply(this, version)
      },
      close: async (drainMs: number) => {
        this.closed = drainMs
        setImmediate(() => this.die(0))
      },
    })
    // One that dies at once hears no answer.
    own.call('start', undefined).catch(() => {})
  }

  die(code: number | null): void {
    this.#connected = false
    for (const end of this.#ends) end.emit('disconnect')
    this.#exit({ code, signal: null })
  }

  kill(): void {
    this.die(null)
  }

  #pipe(end: 0 | 1): ProcessPipe {
    const other = this.#ends[1 - end] as EventEmitter
    const send = (message: unknown): boolean => {
      setImmediate(() => this.#connected && other.emit('message', structuredClone(message)))
      return true
    }
    const pipe = Object.assign(this.#ends[end], { send, connected: true })
    return Object.defineProperty(pipe, 'connected', { get: () => this.#connected })
  }
}

class Scene {
  readonly workers: ScriptedWorker[] = []
  readonly slot: WorkerSlot
  running: Snapshot | undefined
  deaths = 0
  #checks: (() => void)[] = []

  constructor(onApply: (worker: ScriptedWorker, version: string) => Promise<Ack>) {
    this.slot = new WorkerSlot({
      number: 1,
      startProcess: (calls) => {
        const worker = new ScriptedWorker(this.workers.length + 1, calls, onApply)
        this.workers.push(worker)
        return worker
      },
      start: () => ({ number: 1, count: 1, bindHost: '127.0.0.1', portMap: new Map(), logLevel: 'info' }),
      running: () => this.running,
      onChange: () => {
        for (const check of [...this.#checks]) check()
      },
      onDeath: () => this.deaths++,
      log: pino({ level: 'silent' }),
    })
  }

  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!holds()) return
        this.#checks = this.#checks.filter((one) => one !== check)
        resolve()
      }
      this.#checks.push(check)
      check()
    })
  }

  at(sequence: number): Promise<void> {
    return this.until(() => this.slot.outcome?.goal.sequence === sequence)
  }
}

const ack = (version: string): Ack => ({ gateway: 'ns/gw', version, refused: [] })

describe('WorkerSlot', () => {
  it('takes the worker to each goal, and skips one that was overtaken', async () => {
    let release: () => void = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const scene = new Scene(async (_worker, version) => {
      if (version === '1') await gate
      return ack(version)
    })
    scene.slot.take({ sequence: 1, snapshot: snapshot('1') })
    await new Promise((resolve) => setTimeout(resolve, 5))
    scene.slot.take({ sequence: 2, snapshot: snapshot('2') })
    scene.slot.take({ sequence: 3, snapshot: snapshot('3') })
    release()
    await scene.at(3)
    expect(scene.workers[0]?.seen).toEqual(['1', '3'])
    expect(scene.slot.outcome?.result).toEqual(ack('3'))
    await scene.slot.close(0)
  })

  it('starts a dead worker again with what the others run, then with the newest', async () => {
    const scene = new Scene(async (_worker, version) => ack(version))
    scene.slot.take({ sequence: 1, snapshot: snapshot('1') })
    await scene.at(1)
    scene.running = snapshot('running')
    scene.workers[0]?.die(1)
    await scene.until(() => !scene.slot.serving)
    expect(scene.slot.outcome).toBeUndefined()
    await scene.at(1)
    expect(scene.workers[1]?.seen).toEqual(['running', '1'])
    expect(scene.deaths).toBe(1)
    await scene.slot.close(0)
    expect(scene.deaths).toBe(1)
  })

  it('gives a snapshot up that workers die of, and serves what ran before', async () => {
    const scene = new Scene(async (worker, version) => {
      if (version === 'deadly') worker.die(1)
      return ack(version)
    })
    scene.slot.take({ sequence: 1, snapshot: snapshot('good') })
    await scene.at(1)
    scene.running = snapshot('good')
    scene.slot.take({ sequence: 2, snapshot: snapshot('deadly') })
    await scene.at(2)
    expect(scene.slot.outcome?.result).toMatchObject({ message: '3 workers died while they took up version deadly' })
    expect(scene.slot.serving).toBe(true)
    expect(scene.workers.map(({ seen }) => seen)).toEqual([
      ['good', 'deadly'],
      ['good', 'deadly'],
      ['good', 'deadly'],
      ['good'],
    ])
    scene.slot.take({ sequence: 3, snapshot: snapshot('better') })
    await scene.at(3)
    expect(scene.slot.outcome?.result).toEqual(ack('better'))
    await scene.slot.close(0)
  })

  it('passes on that a worker has a bug, and leaves it running', async () => {
    const scene = new Scene(async (_worker, version) => {
      if (version === 'bug') throw new Error('no such thing')
      return ack(version)
    })
    scene.slot.take({ sequence: 1, snapshot: snapshot('bug') })
    await scene.at(1)
    expect(scene.slot.outcome?.result).toBeInstanceOf(Error)
    expect(scene.slot.serving).toBe(false)
    scene.slot.take({ sequence: 2, snapshot: snapshot('2') })
    await scene.at(2)
    expect(scene.workers).toHaveLength(1)
    await scene.slot.close(0)
  })

  it('ends its worker with the time to drain, and starts no other', async () => {
    const scene = new Scene(async (_worker, version) => ack(version))
    scene.slot.take({ sequence: 1, snapshot: snapshot('1') })
    await scene.at(1)
    await scene.slot.close(1234)
    expect(scene.workers.map(({ closed }) => closed)).toEqual([1234])
  })

  it('ends while a worker that died waits to be started again', async () => {
    const scene = new Scene(async (_worker, version) => ack(version))
    for (let n = 0; n < 3; n++) {
      await scene.until(() => scene.workers.length === n + 1)
      scene.workers[n]?.die(1)
      await scene.workers[n]?.exited
      if (n < 2) await new Promise<void>((resolve) => waitForWorker(scene, n + 2, resolve))
    }
    await scene.slot.close(0)
    expect(scene.workers).toHaveLength(3)
  })
})

function waitForWorker(scene: Scene, count: number, done: () => void): void {
  if (scene.workers.length >= count) done()
  else setImmediate(waitForWorker, scene, count, done)
}
