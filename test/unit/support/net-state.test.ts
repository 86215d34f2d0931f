import { expect, it } from 'vitest';
import { withoutEngineRules } from '../../support/net-state.ts';

const before = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
-A INPUT -p tcp --dport 22 -j ACCEPT
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT`;

const withEngine = `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A INPUT -p tcp --dport 22 -j ACCEPT
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i br-0123456789ab ! -o br-0123456789ab -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT`;

it("takes the engine's chains and rules away, gives FORWARD its policy back, and keeps everything else", () => {
  expect(withoutEngineRules(withEngine, 'ACCEPT')).toBe(before);
});

it('keeps a policy of DROP that was there before', () => {
  expect(withoutEngineRules(':FORWARD DROP [1:2]', 'DROP')).toBe(':FORWARD DROP [1:2]');
});
