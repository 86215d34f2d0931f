const ISSUED_AT = '2026-01-01T00:00:00Z';

/** Fifty services: what a big host has. */
export const manifestText = (serial: number): string =>
  JSON.stringify({
    apiVersion: 'supercargo/v1',
    environment: 'bench',
    serial,
    issuedAt: ISSUED_AT,
    services: Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [
        `service-${String(index)}`,
        {
          image: `registry.example.com/org/service-${String(index)}:1.${String(serial)}.0@sha256:${'ab'.repeat(32)}`,
        },
      ]),
    ),
  });
