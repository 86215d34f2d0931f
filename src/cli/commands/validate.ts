import { access } from 'node:fs/promises';
import { readDocumentPaths } from '../../config/paths.ts';
import { formatProblem as formatComposeProblem } from '../../core/compose/compose-problem.ts';
import { AgentError } from '../../core/errors.ts';
import { formatImage } from '../../core/image/reference.ts';
import { accept, DOCUMENT_CAP_BYTES } from '../../core/manifest/accept.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { Call } from '../call.ts';
import { checkCompose, describeTrust, readTrustFile } from '../wiring/host-files.ts';
import { readInputFile, unreadText } from '../../io/input-file.ts';
import { terminalOf, writeJson, type Io } from '../streams.ts';

interface ValidateOptions {
  readonly compose?: string;
  readonly as?: string;
  readonly manifest?: string;
  readonly trust?: string;
  readonly environment?: string;
  readonly json?: boolean;
}

interface Finding {
  readonly file: string;
  readonly kind: 'ok' | 'error' | 'hint';
  readonly message: string;
}

const checkComposeAt = async (
  path: string,
  signal: AbortSignal,
  candidate: string | undefined,
): Promise<readonly Finding[]> => {
  const checked = await checkCompose(path, signal, candidate);
  if (checked.kind === 'errors') {
    return checked.errors.map((p) => ({ file: path, kind: 'error', message: formatComposeProblem(p) }));
  }
  const { services, hints } = checked.project;
  const names = Object.keys(services);
  return [
    { file: path, kind: 'ok', message: `${String(names.length)} services: ${names.join(', ')}` },
    ...hints.map((h): Finding => ({
      file: path,
      kind: 'hint',
      message: `${h.file}:${String(h.line)}: ${h.path}: ${h.message}`,
    })),
  ];
};

const checkTrustAt = async (path: string): Promise<readonly Finding[]> => {
  const read = await readTrustFile(path);
  if (read.kind === 'problem') {
    const { message, advice } = read.problem;
    return [{ file: path, kind: 'error', message: `${message}\n    → ${advice}` }];
  }
  return read.kind === 'trust' ? [{ file: path, kind: 'ok', message: describeTrust(read.trust) }] : [];
};

/** Judges the manifest like a host that has accepted none yet. */
const checkManifestAt = async (
  path: string,
  trustFile: string | undefined,
  environment: string | undefined,
): Promise<readonly Finding[]> => {
  const read = await readInputFile(path, DOCUMENT_CAP_BYTES);
  if (read.kind !== 'bytes') return [{ file: path, kind: 'error', message: unreadText(read) }];
  const document = read.bytes;
  const trust = trustFile === undefined ? undefined : await readTrustFile(trustFile);
  const named = environment ?? environmentIn(document);
  const verdict = accept({
    document,
    environment: named,
    trust: trust?.kind === 'trust' ? trust.trust : undefined,
    watermark: undefined,
    nowMs: Date.now(),
  });
  if (verdict.kind === 'rejected') {
    const { reason, message, advice } = verdict.rejection;
    return [{ file: path, kind: 'error', message: `${message} (${reason})\n    → ${advice}` }];
  }
  if (verdict.kind === 'unchanged') return [];
  const { manifest } = verdict.accepted;
  const services = Object.entries(manifest.services).map(
    ([name, s]) => `${name}=${formatImage({ ...s.image, digest: undefined })}`,
  );
  return [
    {
      file: path,
      kind: 'ok',
      message: `${manifest.environment}, serial ${String(manifest.serial)}: ${services.join(', ')}`,
    },
  ];
};

/** The document's own environment, which then passes the comparison. */
const environmentIn = (document: Uint8Array): string => {
  const found = /["']?environment["']?\s*:\s*["']?([a-z0-9][a-z0-9_-]*)/.exec(
    Buffer.from(document).toString('utf8'),
  );
  return found?.[1] ?? '';
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

export const run = async ({ io, signal }: Call, options: ValidateOptions): Promise<ExitCode> => {
  const isNamed =
    options.compose !== undefined || options.manifest !== undefined || options.trust !== undefined;
  const paths = readDocumentPaths(io.env);
  if (options.as !== undefined && options.compose === undefined)
    throw new AgentError('USAGE', '--as needs --compose', {
      advice: 'name the new file with --compose, and the one that it is to replace with --as',
    });
  const compose = options.as ?? (isNamed ? options.compose : paths.composePath);
  const candidate = options.as === undefined ? undefined : options.compose;
  const trust = options.trust ?? (isNamed || !(await exists(paths.trustFile)) ? undefined : paths.trustFile);
  const findings = [
    ...(compose === undefined ? [] : await checkComposeAt(compose, signal, candidate)),
    ...(trust === undefined ? [] : await checkTrustAt(trust)),
    ...(options.manifest === undefined
      ? []
      : await checkManifestAt(options.manifest, options.trust, options.environment ?? paths.environment)),
  ];
  const failed = findings.some((f) => f.kind === 'error');
  if (options.json === true)
    writeJson(io, { apiVersion: 'supercargo/validation/v1', valid: !failed, findings });
  else for (const finding of findings) io.stdout.write(render(finding, io));
  return failed ? EXIT.error : EXIT.ok;
};

const render = ({ file, kind, message }: Finding, io: Io): string => {
  const { palette } = terminalOf(io);
  const mark =
    kind === 'ok' ? palette.good('ok   ') : kind === 'hint' ? palette.warn('hint ') : palette.bad('error');
  return `${mark} ${message.startsWith(file) ? '' : `${file}: `}${message}\n`;
};
