// One suite in one process at a time, in jest's own thread: programs of the rig end with the thread that started them.
export default {
  runner: 'jest-light-runner',
  testMatch: ['<rootDir>/test/e2e/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  testTimeout: 300_000,
  maxWorkers: 1,
}
