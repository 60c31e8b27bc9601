// Tests run on Node's own module loader and type stripping, so that what is tested is what runs (docs/adr/0004).
export default {
  runner: 'jest-light-runner',
  testMatch: ['<rootDir>/{cli,controller,contract,runtime,dataplane,test}/**/*.test.ts'],
  testPathIgnorePatterns: ['<rootDir>/test/e2e/', '<rootDir>/test/bench/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  testTimeout: 60_000,
  maxWorkers: 2,
}
