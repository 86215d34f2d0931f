import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');

export interface ToolResult {
  readonly code: number;
  readonly output: string;
}

export interface ToolOptions {
  readonly inherit?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** A program in front of the tool. */
  readonly launcher?: readonly string[];
}

/**
 * Runs a program of node_modules/.bin on this Node. With `inherit` its output goes straight to ours.
 * Ctrl-C reaches it by itself (same terminal); we wait for its end.
 */
export const runTool = async (
  name: string,
  args: readonly string[],
  { inherit = false, env = {}, launcher = [] }: ToolOptions = {},
): Promise<ToolResult> =>
  new Promise((resolve, reject) => {
    const [program = '', ...words] = [...launcher, join(root, 'node_modules', '.bin', name), ...args];
    const child = spawn(program, words, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', inherit ? 'inherit' : 'pipe', inherit ? 'inherit' : 'pipe'],
    });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
