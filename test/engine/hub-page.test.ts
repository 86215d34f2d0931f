import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServiceStatus, Status } from '../../src/core/status/status-document.ts';
import { hostToken } from '../../src/core/hub/tokens.ts';
import { renderManifest } from '../../src/core/publish/render-manifest.ts';
import { runCommand } from '../support/command.ts';
import { startHub, type FleetHub } from '../support/fleet-hub.ts';
import { fleetOfAll, strangeStatus, WANTED_SERIAL } from '../support/fleet-of-all.ts';
import { supercargo } from '../support/host.ts';
import { eventually } from '../support/poll.ts';
import { hostStatus, serviceStatus } from '../support/status.ts';
import { manifest } from '../support/world.ts';

const EVIL = '<img src=x onerror="document.title=1"> \u202Eterces';

let hub: FleetHub;
let browser: BrowserContext;
let profile: string;

const publish = async (environment: string, serial: number, version: string): Promise<void> => {
  const base = manifest({ web: `registry.example.com/org/web:${version}` }, { serial });
  const publisher = { name: EVIL, build: '7', url: 'https://jenkins.example.com/job/7' };
  const document = Buffer.from(renderManifest({ ...base, environment, publisher })).toString();
  expect([200, 201, 204]).toContain(await hub.put(`manifests/${environment}.json`, document));
};

const report = async (
  environment: string,
  host: string,
  change: Partial<Status>,
  token?: string,
): Promise<void> => {
  const status = hostStatus({ environment, host, at: new Date().toISOString(), ...change });
  const answer = await fetch(`${hub.url}/reports/${environment}/${host}.json`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${token ?? (await hub.tokenOf(environment, host))}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(status),
  });
  expect(answer.ok).toBe(true);
};

const at = (serial: number): Partial<Status> => ({ manifest: { ...hostStatus().manifest, serial } });
const bad = (change: Partial<ServiceStatus> = {}): ServiceStatus =>
  serviceStatus({
    outcome: 'rolled-back',
    reason: 'crashed',
    message: EVIL,
    advice: 'publish another version',
    failure: {
      version: '1.1.0',
      release: 'a',
      attempt: 0,
      reason: 'crashed',
      message: EVIL,
      at: hostStatus().at,
      log: [EVIL],
    },
    ...change,
  });

beforeAll(async () => {
  hub = await startHub();
  profile = await mkdtemp(join(tmpdir(), 'supercargo-chromium-'));
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  await publish('staging', 1, '1.0.0');
  await publish('staging', 2, '1.1.0');
  await publish('production', 1, '1.0.0');
  await report('staging', 'web-1', at(2));
  await report('staging', 'web-2', { ...at(2), outcome: 'rolled-back', services: [bad()] });
});
afterAll(async () => {
  await browser.close();
  await hub.remove();
  await rm(profile, { recursive: true, force: true });
});

interface Opened {
  readonly page: Page;
  readonly faults: readonly string[];
}

/** Shows an environment; `faults` gets whatever the browser complains about. */
const open = async (path = '/#staging', size = { width: 1200, height: 800 }): Promise<Opened> => {
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text());
  });
  await page.setViewportSize(size);
  await page.goto(hub.url + path);
  await page.getByText('Live', { exact: true }).waitFor();
  return { page, faults };
};

const textOf = async (page: Page, selector: string): Promise<string> =>
  (await page.locator(selector).allInnerTexts()).join('\n');

describe('the fleet page', () => {
  it('tells who runs what, who is behind and why, and what was published', async () => {
    const { page, faults } = await open();
    expect(await textOf(page, '#summary')).toBe('1 of 2 hosts run serial 2.');
    expect(await textOf(page, '#hosts')).toMatch(/web-1[\s\S]*converged[\s\S]*web-2[\s\S]*rolled-back/);
    expect(await textOf(page, '#behind')).toContain('web-2 · web rolled-back (crashed)');
    expect(await textOf(page, '#journal')).toMatch(/2\s+web 1\.0\.0 → 1\.1\.0[\s\S]*1\s+web 1\.0\.0/);
    expect(faults).toEqual([]);
    await page.close();
  });

  it('calls every host what `fleet` calls it, and counts as it does', async () => {
    await publish('zoo', WANTED_SERIAL, '1.1.0');
    for (const { host, status } of fleetOfAll) await report('zoo', host, status);
    await report('zoo', 'web-17', strangeStatus({ environment: 'zoo', host: 'web-17' }));
    const env = { PATH: process.env['PATH'] ?? '', SUPERCARGO_STORE: hub.url };
    const token = { SUPERCARGO_PUBLISH_TOKEN: hub.publishToken };
    const told = await runCommand(supercargo, ['fleet', 'zoo', '--json'], { env: { ...env, ...token } });
    const { hosts } = JSON.parse(told.stdout) as {
      hosts: readonly { host: string; verdict: { word: string; kind: string } }[];
    };
    const { page, faults } = await open('/#zoo');
    const rows = await page.locator('#hosts tbody tr').all();
    const shown = await Promise.all(
      rows.map(async (row) => [
        await row.locator('th bdi').first().innerText(),
        await row.locator('.word').first().innerText(),
      ]),
    );
    expect(shown).toEqual(hosts.map(({ host, verdict }) => [host, verdict.word]));
    const running = hosts.filter(({ verdict }) => verdict.kind === 'converged').length;
    expect(await textOf(page, '#summary')).toBe(
      `${String(running)} of ${String(hosts.length)} hosts run serial 418.`,
    );
    expect(await textOf(page, '#counts')).toMatch(/1 rolled-back[\s\S]*2 hibernating[\s\S]*1 converged/);
    for (const [index, row] of rows.entries())
      expect([shown[index], (await row.locator('.good').count()) > 0]).toEqual([
        shown[index],
        shown[index]?.[1] === 'converged',
      ]);
    expect(faults).toEqual([]);
    await page.close();
  });

  it('says of each host that is not well why, also where it cannot read its manifest', async () => {
    const { page } = await open('/#zoo');
    for (const { host, word, says } of fleetOfAll.filter((f) => f.word !== 'converged')) {
      const trouble = page.locator('details').filter({ hasText: new RegExp(`^${host} · (web )?${word}`) });
      await trouble.locator('summary').click();
      const why = says.source.replace(/^\^?(?:converged; |web: )?/, '');
      expect([host, await trouble.innerText()]).toEqual([host, expect.stringMatching(new RegExp(why))]);
    }
    await page.close();
  });

  it('is no success while no host has reported, and shows no other environment than the one that is asked for', async () => {
    await publish('unheard', 7, '1.0.0');
    const { page } = await open('/#unheard');
    expect(await textOf(page, '#summary')).toBe('No host has reported yet; serial 7 is published.');
    expect(await textOf(page, '#hosts')).toContain('SUPERCARGO_ENVIRONMENT is unheard');
    expect(await page.locator('main .good').count()).toBe(0);
    await page.goto(`${hub.url}/#stagign`);
    const summary = () => textOf(page, '#summary');
    await eventually(
      async () => (await summary()).startsWith('This hub has no environment stagign. It has'),
      {
        describe: summary,
      },
    );
    expect(await textOf(page, '#hosts')).not.toContain('web-1');
    await page.close();
  });

  it('shows the hosts with the labels in its address alone, counts only them, and links to each label', async () => {
    await publish('zones', 2, '1.1.0');
    await report('zones', 'web-1', { ...at(2), labels: { zone: 'a', canary: 'true' } });
    await report('zones', 'web-2', { ...at(2), labels: { zone: 'a' } });
    const late = { ...at(1), services: [serviceStatus({ desired: { version: '1.0.0', release: 'x' } })] };
    await report('zones', 'web-3', { ...late, labels: { zone: 'b', [EVIL]: EVIL } });
    const { page, faults } = await open('/?where=zone=a#zones');
    const hosts = () => textOf(page, '#hosts tbody th > bdi');
    const until = async (summary: string): Promise<void> => {
      await eventually(async () => (await textOf(page, '#summary')) === summary, {
        describe: () => textOf(page, 'body'),
      });
    };
    expect([await textOf(page, '#summary'), await hosts(), await textOf(page, '#behind')]).toEqual([
      '2 of 2 hosts with zone=a run serial 2.',
      'web-1\nweb-2',
      '',
    ]);
    expect(await textOf(page, '#counts')).toBe('2 converged');
    expect(await page.locator('#labels a').allInnerTexts()).toEqual([
      'all hosts',
      'canary=true 1',
      'zone=a 2',
      'zone=b 1',
    ]);
    expect(await page.locator('#labels [aria-current]').allInnerTexts()).toEqual(['zone=a 2']);
    await page.getByRole('link', { name: 'canary=true' }).click();
    await until('1 of 1 hosts with zone=a,canary=true run serial 2.');
    expect(page.url()).toBe(`${hub.url}/?where=zone=a,canary=true#zones`);
    await page.getByRole('link', { name: 'zone=b' }).click();
    await until('No host has zone=b,canary=true.');
    expect(await page.locator('main .good').count()).toBe(0);
    await page.goto(`${hub.url}/?where=zone#zones`);
    await until('The filter in the address has "zone", which is not NAME=VALUE.');
    expect(await hosts()).toBe('');
    await page.getByRole('link', { name: 'all hosts' }).click();
    await until('2 of 3 hosts run serial 2.');
    // Hosts without labels need no filter.
    await page.goto(`${hub.url}/#zoo`);
    await eventually(async () => (await textOf(page, '#title')) === 'zoo', {
      describe: () => textOf(page, 'body'),
    });
    expect(await page.locator('#labels').isVisible()).toBe(false);
    expect(faults).toEqual([]);
    await page.close();
  });

  it('shows the worst hosts of a large fleet, and more with each click', async () => {
    await publish('wide', 2, '1.1.0');
    const all = Array.from({ length: 120 }, (_, n) => `web-${String(n)}`);
    for (const host of all) {
      const token = hostToken(hub.reportSecret, 'wide', host);
      await report('wide', host, { ...at(2), labels: { zone: 'a' } }, token);
    }
    await report('wide', 'web-119', {
      ...at(2),
      labels: { zone: 'a' },
      outcome: 'rolled-back',
      services: [bad()],
    });
    const { page, faults } = await open('/?where=zone=a#wide');
    expect(await textOf(page, '#summary')).toBe('119 of 120 hosts with zone=a run serial 2.');
    const rows = page.locator('#hosts tbody tr');
    expect([await rows.count(), await rows.first().innerText()]).toEqual([
      100,
      expect.stringMatching(/^web-119/),
    ]);
    expect(await textOf(page, '#hosts .note')).toContain('100 of 120 hosts are shown, the worst first.');
    await page.getByRole('button', { name: 'Show more' }).click();
    await eventually(async () => (await rows.count()) === 120, { describe: () => textOf(page, '#hosts') });
    expect(await rows.first().innerText()).toMatch(/^web-0\b/);
    expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0);
    expect(faults).toEqual([]);
    await page.close();
  });

  it('shows what a host sends as text, and runs none of it', async () => {
    const { page, faults } = await open();
    await page.locator('details summary').first().click();
    expect(await textOf(page, '#behind pre')).toContain('<img src=x');
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.title()).toBe('staging · supercargo');
    expect(faults).toEqual([]);
    await page.close();
  });

  it('is live: a publish and a report show without a reload, and what was opened stays open', async () => {
    const { page } = await open();
    await page.locator('details summary').first().click();
    await publish('staging', 3, '1.2.0');
    await eventually(async () => (await textOf(page, '#journal')).includes('1.1.0 → 1.2.0'), {
      describe: () => textOf(page, 'body'),
    });
    await report('staging', 'web-3', at(3));
    await eventually(async () => (await textOf(page, '#hosts')).includes('web-3'), {
      describe: () => textOf(page, 'body'),
    });
    expect(await page.locator('details[open]').count()).toBe(1);
    await report('staging', 'web-3', { ...at(3), agent: { ...hostStatus().agent, running: false } });
    await eventually(async () => (await textOf(page, '#behind')).includes('web-3 · stopped'), {
      describe: () => textOf(page, 'body'),
    });
    await page.close();
  });

  it('says so when the hub is away, and goes on when it is back', async () => {
    const { page } = await open();
    await hub.kill();
    const connection = () => textOf(page, '#connection');
    await eventually(async () => (await connection()).startsWith('Not connected'), { describe: connection });
    expect(await textOf(page, '#hosts')).toContain('web-1');
    await hub.start();
    await eventually(async () => (await connection()) === 'Live', { describe: connection });
    await page.close();
  });

  it('needs no sideways scrolling on a phone', async () => {
    const { page } = await open('/#staging', { width: 360, height: 740 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    await page.close();
  });

  it('is used by keyboard: skip link, environments, troubles', async () => {
    const { page } = await open();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the fleet');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await eventually(async () => (await textOf(page, '#title')) === 'production', {
      describe: () => textOf(page, 'body'),
    });
    await page.goto(`${hub.url}/#staging`);
    await eventually(async () => (await page.locator('details').count()) > 0, {
      describe: () => textOf(page, 'body'),
    });
    await page.locator('details summary').first().focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('details[open]').count()).toBe(1);
    await page.close();
  });

  it.each(['light', 'dark'] as const)('has enough contrast in %s', async (colorScheme) => {
    const { page } = await open();
    await page.emulateMedia({ colorScheme });
    const colours = await page.evaluate<Readonly<Record<string, string>>>(`(() => {
      const style = getComputedStyle(document.documentElement);
      const names = ['ground','panel','text','faint','accent','good','info','warn','bad','good-ground','info-ground','warn-ground','bad-ground'];
      return Object.fromEntries(names.map((name) => [name, style.getPropertyValue('--' + name).trim()]));
    })()`);
    const pairs = [
      ...['text', 'faint', 'accent', 'bad'].flatMap((name) => [
        [name, 'ground'],
        [name, 'panel'],
      ]),
      ...['good', 'info', 'warn', 'bad'].map((name) => [name, `${name}-ground`]),
    ];
    const weak = pairs.filter(
      ([text = '', ground = '']) => contrast(colours[text] ?? '', colours[ground] ?? '') < 4.5,
    );
    expect(weak).toEqual([]);
    await page.close();
  });
});

/** WCAG 2.2, 1.4.3. */
const contrast = (a: string, b: string): number => {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].toSorted((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
};
const luminance = (hex: string): number => {
  const [r = 0, g = 0, b = 0] = (hex.slice(1).match(/../g) ?? []).map((pair) => {
    const value = Number.parseInt(pair, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
