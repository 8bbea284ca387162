import type {
  FullConfig,
  FullResult,
  Reporter,
  Suite,
  TestCase,
  TestResult,
} from '@playwright/test/reporter';

/** Ends the run with one line of figures. */
export default class Figures implements Reporter {
  readonly #outcomes = new Map<string, TestResult['status']>();
  #tests = 0;

  onBegin(_config: FullConfig, suite: Suite): void {
    this.#tests = suite.allTests().length;
  }

  onTestEnd(test: TestCase, { status }: TestResult): void {
    this.#outcomes.set(test.id, status);
  }

  onEnd({ duration }: FullResult): void {
    const ended = [...this.#outcomes.values()].filter((status) => status !== 'skipped');
    const passed = ended.filter((status) => status === 'passed').length;
    const failed = ended.length - passed;
    const seconds = Math.round(duration / 1000);
    process.stdout.write(
      `e2e: ${passed} passed, ${failed} failed, ${this.#tests - ended.length} not run, ${seconds} s\n`,
    );
  }

  printsToStdio(): boolean {
    return true;
  }
}
