import { ask } from '../../test/support/client.ts'
import { startRig } from '../../test/support/gateway-rig.ts'
import { notBuiltHandler } from './not-built-handler.ts'

describe('an MCP backend', () => {
  it('answers 501 with a JSON-RPC error', async () => {
    const { server, port, recorder } = await startRig({ handler: notBuiltHandler })
    try {
      const answer = await ask(port, { path: '/mcp', body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' })
      expect(answer.status).toBe(501)
      expect(answer.headers['content-type']).toBe('application/json')
      expect(JSON.parse(answer.body.toString())).toEqual({
        jsonrpc: '2.0',
        id: null,
        error: { code: -32603, message: 'MCP backends are not built yet' },
      })
      const [exchange] = await recorder.untilEnded(1)
      expect(exchange?.outcome?.error?.code).toBe('not_implemented')
    } finally {
      await server.close(0)
    }
  })
})
