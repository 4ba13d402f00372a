import type { DataKey, KeyOwner, KeyStore } from './key-store.js';

export type KeyStoreUnderTest = {
  readonly store: KeyStore;
  /** Another process's view of the same keys. */
  readonly other: KeyStore;
  readonly dispose: () => Promise<void>;
};

const bytesOf = (key: DataKey | null | undefined): string =>
  key ? key.cipherKey.export().toString('hex') : 'none';

/** What every adapter of the key store promises. */
export function keyStoreContract(name: string, make: () => Promise<KeyStoreUnderTest>): void {
  describe(`key store contract: ${name}`, () => {
    let under: KeyStoreUnderTest;
    beforeEach(async () => {
      under = await make();
    });
    afterEach(() => under.dispose());

    const getUnder = (): KeyStoreUnderTest => under;
    making(getUnder);
    destroying(getUnder);
  });
}

const owner = (subject: string, purpose = 'evaluation'): KeyOwner => ({ subject, purpose });

function making(get: () => KeyStoreUnderTest): void {
  describe('keys', () => {
    let under: KeyStoreUnderTest;
    beforeEach(() => {
      under = get();
    });

    it('makes a key on first use and gives the same one ever after', async () => {
      const [first, again] = await under.store.keysOf([owner('am-1'), owner('am-1')]);
      expect(bytesOf(first)).toMatch(/^[0-9a-f]{64}$/);
      expect(bytesOf(again)).toBe(bytesOf(first));
      const [elsewhere] = await under.other.keysOf([owner('am-1')]);
      expect([elsewhere?.id, bytesOf(elsewhere)]).toEqual([first?.id, bytesOf(first)]);
    });

    it('gives every subject and purpose a key of its own, under an id that names neither', async () => {
      const owners = [owner('am-1'), owner('am-1', 'appeal'), owner('am-2'), owner('am-2', 'a')];
      const keys = await under.store.keysOf(owners);
      expect(new Set(keys.map(bytesOf)).size).toBe(4);
      expect(new Set(keys.map((key) => key?.id)).size).toBe(4);
      for (const key of keys) {
        expect(key?.id).toMatch(/^[\w-]{22}\.1$/);
        expect(key?.version).toBe(1);
      }
    });

    it('gives one key to all who ask for a new one at once', async () => {
      const asked = Array.from({ length: 40 }, (_, n) =>
        (n % 2 === 0 ? under.store : under.other).keysOf([owner('am-1'), owner('am-2')]),
      );
      const keys = await Promise.all(asked);
      expect(new Set(keys.map(([one]) => bytesOf(one))).size).toBe(1);
      expect(new Set(keys.map(([, two]) => bytesOf(two))).size).toBe(1);
    });

    it('makes a secret once, the same in every process, and one for each name', async () => {
      const asked = [under.store, under.other, under.store].map((store) => store.secret('hmac'));
      const [first, ...others] = await Promise.all(asked);
      expect(first).toHaveLength(32);
      for (const one of others) expect(Buffer.compare(one, first as Uint8Array)).toBe(0);
      const another = await under.other.secret('another');
      expect(Buffer.compare(another, first as Uint8Array)).not.toBe(0);
    });

    it('finds keys by their ids, in the order asked, null for one that nobody knows', async () => {
      const made = await under.store.keysOf([owner('am-1'), owner('am-2')]);
      const ids = [made[1]?.id ?? '', 'unknown.1', made[0]?.id ?? ''];
      const found = await under.other.keysById(ids);
      expect(found.map(bytesOf)).toEqual([bytesOf(made[1]), 'none', bytesOf(made[0])]);
    });
  });
}

function destroying(get: () => KeyStoreUnderTest): void {
  describe('erasure and rotation', () => {
    let under: KeyStoreUnderTest;
    beforeEach(() => {
      under = get();
    });

    it('destroys all keys of a subject and of nobody else, and makes it no new ones', async () => {
      const owners = [owner('am-1'), owner('am-1', 'appeal'), owner('am-2')];
      const keys = await under.store.keysOf(owners);
      const ids = keys.map((key) => key?.id ?? '');
      await under.store.destroy('am-1');
      await under.store.destroy('am-1');
      for (const store of [under.store, under.other]) {
        // Another process hears of it: the condition is waited for, not a time.
        for (let n = 0; n < 500 && (await store.keysById(ids))[0] !== null; n += 1) {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        expect((await store.keysById(ids)).map(bytesOf)).toEqual([
          'none',
          'none',
          bytesOf(keys[2]),
        ]);
        const later = await store.keysOf([...owners, owner('am-1', 'never used before')]);
        expect(later.map(bytesOf)).toEqual(['none', 'none', bytesOf(keys[2]), 'none']);
      }
    });

    it('leaves no key to a subject that is erased while its keys are made', async () => {
      for (let n = 0; n < 20; n += 1) {
        const subject = `am-${n}`;
        const making = Array.from({ length: 8 }, (_, at) =>
          under.other.keysOf([owner(subject, `purpose-${at}`)]),
        );
        await under.store.destroy(subject);
        const ids = (await Promise.all(making)).flatMap(([key]) => (key ? [key.id] : []));
        const left = await under.store.keysById(ids);
        expect(left.filter((key) => key !== null)).toEqual([]);
      }
    });

    it('keeps every key readable when the key-encryption key is rotated', async () => {
      const keys = await under.store.keysOf([owner('am-1'), owner('am-2'), owner('am-3')]);
      await under.store.destroy('am-3');
      expect(await under.store.rotate(new Uint8Array(32).fill(9))).toBe(2);
      const found = await under.store.keysById(keys.map((key) => key?.id ?? ''));
      expect(found.map(bytesOf)).toEqual([bytesOf(keys[0]), bytesOf(keys[1]), 'none']);
    });
  });
}
