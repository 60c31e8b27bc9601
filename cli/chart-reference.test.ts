import { chartReference, chartValues } from './chart-reference.ts'

describe('the values of a chart', () => {
  it('are those with a comment, by path, with their defaults', () => {
    const text = [
      'image:',
      '  # -- Where it',
      '  # comes from.',
      "  tag: ''",
      '# -- What a pod may use.',
      'resources:',
      '  limits:',
      '    memory: 1Gi',
      'watch:',
      '  # -- Which ones.',
      '  namespaces: []',
    ].join('\n')
    expect(chartValues(text)).toEqual([
      { path: 'image.tag', fallback: '""', doc: 'Where it comes from.' },
      { path: 'resources', fallback: '{"limits":{"memory":"1Gi"}}', doc: 'What a pod may use.' },
      { path: 'watch.namespaces', fallback: '[]', doc: 'Which ones.' },
    ])
  })

  it('all need a comment', () => {
    expect(() => chartValues('image:\n  tag: 1')).toThrow("the value image.tag has no comment '# -- …'")
  })
})

describe('the README of a chart', () => {
  it('has the tables of its values and permissions', () => {
    const text = chartReference('charts/weir')
    expect(text).toContain('| `controller.replicaCount` | `1` | How many controllers run.')
    expect(text).toContain('| own | `leases.coordination.k8s.io` named `weir` | get, update | who leads |')
  })
})
