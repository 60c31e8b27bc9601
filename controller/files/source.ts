/** One manifest file: the only thing that reading needs, so that reading itself touches no disk. */
export interface Source {
  /** As problems name it. */
  readonly path: string
  readonly text: string
  /** Why there is no text: the file is missing, too large, not UTF-8. Reading makes a Problem of it. */
  readonly unreadable?: string
}

/** Larger files are refused: no manifest is that long, and a whole folder is kept in memory. */
export const MAX_FILE_BYTES = 10 * 1024 * 1024
