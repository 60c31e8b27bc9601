/** What the rig runs for an image: programs of this machine, and what its root file system has beside the system's own. */
export interface RigImage {
  /** Comes before `args` unless the pod sets `command`; absolute paths as the container sees them. */
  readonly entrypoint: readonly string[]
  /** Stands in for `args` when the pod sets neither `command` nor `args`. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly workingDir?: string
  /** The user that the image names; 0 when it names none. */
  readonly user?: number
  /** Folders and files of this machine, read-only, by the absolute path at which the container sees them. */
  readonly mounts?: Readonly<Record<string, string>>
  /** Files with these contents, by absolute path. */
  readonly files?: Readonly<Record<string, string>>
}

/** Images by reference, with or without tag. */
export type ImageTable = Readonly<Record<string, RigImage>>

/** The image of a reference: the very reference first, then the one without tag and digest. */
export function findImage(images: ImageTable, reference: string): RigImage | undefined {
  if (Object.hasOwn(images, reference)) return images[reference]
  const repository = reference.replace(/@.*$/, '').replace(/:[^:/]*$/, '')
  return Object.hasOwn(images, repository) ? images[repository] : undefined
}
