import type { Schema } from '../schema.ts'
import { annotations, anything, label, labels, nullsAreEmpty, subdomain } from './names.ts'

/** How a kind's objects may be named. */
export interface ObjectNaming {
  readonly namespaced: boolean
  /** Default: an RFC 1123 subdomain. */
  readonly name?: Schema
}

/**
 * The schema of a whole object: `fields` beside apiVersion, kind and metadata. Of the metadata a server fills in itself
 * (managedFields, uid, …) nothing is checked: `kubectl get -o yaml` prints it and `kubectl apply` takes it back.
 */
export function objectSchema({ namespaced, name = subdomain }: ObjectNaming, fields: Schema): Schema {
  return {
    ...fields,
    type: 'object',
    required: ['metadata', ...(fields.required ?? [])],
    properties: {
      ...fields.properties,
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: metadataSchema(namespaced, name),
      // An API server ignores the status that it is given with a new object.
      status: anything,
    },
  }
}

function metadataSchema(namespaced: boolean, name: Schema): Schema {
  return {
    type: 'object',
    required: ['name'],
    properties: {
      name,
      namespace: namespaced ? { ...label, emptyMeansAbsent: true } : anything,
      labels: nullsAreEmpty(labels),
      annotations: nullsAreEmpty(annotations),
      generateName: anything,
      uid: anything,
      resourceVersion: anything,
      generation: anything,
      creationTimestamp: anything,
      deletionTimestamp: anything,
      deletionGracePeriodSeconds: anything,
      selfLink: anything,
      finalizers: { type: 'array', items: { type: 'string' } },
      ownerReferences: { type: 'array', items: anything },
      managedFields: { type: 'array', items: anything },
    },
  }
}
