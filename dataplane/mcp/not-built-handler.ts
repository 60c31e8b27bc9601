import { type ErrorDialect, GatewayError } from '../fault.ts'
import type { Handler } from '../http/handler.ts'

/** JSON-RPC 2.0 section 5: an error that belongs to no request that was understood has the id null. */
const JSON_RPC_ERRORS: ErrorDialect = {
  contentType: 'application/json',
  body: (error) =>
    JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: INTERNAL_ERROR, message: error.message } }),
}

const INTERNAL_ERROR = -32603

/** Answers for MCP backends until weir can serve them: 501, in the shape that an MCP client can read. */
export const notBuiltHandler: Handler = {
  errors: JSON_RPC_ERRORS,
  handle: (call) => call.fail(new GatewayError('not_implemented', 'MCP backends are not built yet')),
}
