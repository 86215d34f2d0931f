import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runCommand } from '../support/command.ts';
import type { Machine } from '../support/fleet-machine.ts';

/** Of a machine's engine; the agent wants 256 MiB free before it pulls. */
export const DISK_MB = 448;

/** Until it is full: the last bytes one by one, as an engine's log would take them. */
export const fill = async (path: string): Promise<void> => {
  const { code } = await runCommand('dd', ['if=/dev/zero', `of=${path}`, 'bs=64k']);
  expect(code).not.toBe(0);
};

const ballast = ({ engineFolder }: Machine): string => join(engineFolder, 'data', 'ballast');

export const fillDisk = async (machine: Machine): Promise<void> => fill(ballast(machine));
export const freeDisk = async (machine: Machine): Promise<void> => rm(ballast(machine));
