import manifest from '../package.json' with { type: 'json' }

/** weir's own version. */
export const VERSION: string = manifest.version
