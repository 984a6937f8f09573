import { describe, expect, it } from 'vitest';
import { askPlaces, type Place } from '../../src/client/places.js';
import { TemperError } from '../../src/domain/errors.js';

const place = (name: string): Place => ({ workspace: `/ws/${name}`, fleet: name });

/** Answers with the fleet of a place, or with the error that it is known for. */
function asking(errors: Readonly<Record<string, Error>>): {
  readonly ask: (place: Place) => Promise<string>;
  readonly silent: string[];
  readonly onSilence: (place: Place) => void;
} {
  const silent: string[] = [];
  return {
    ask: ({ fleet }) => (errors[fleet] === undefined ? Promise.resolve(fleet) : Promise.reject(errors[fleet])),
    silent,
    onSilence: ({ fleet }) => void silent.push(fleet),
  };
}
const noHosts = new TemperError('NoHosts', { what: 'no host worker has registered' });
const unreachable = new TemperError('HostUnreachable', { what: 'h1 does not answer' });

describe('several places', () => {
  it('are asked past those for which no host answers, and each of these is told', async () => {
    const { ask, silent, onSilence } = asking({ b: noHosts, c: unreachable });
    expect(await askPlaces(['a', 'b', 'c', 'd'].map(place), ask, onSilence)).toEqual(['a', 'd']);
    expect(silent).toEqual(['b', 'c']);
  });

  it('of which none answers are an error, the first one', async () => {
    const { ask, onSilence } = asking({ a: unreachable, b: noHosts });
    await expect(askPlaces(['a', 'b'].map(place), ask, onSilence)).rejects.toBe(unreachable);
  });

  it('that are not there are told, and are no error where nothing has run yet', async () => {
    const missing = new TemperError('WorkspaceMissing', { what: 'the workspace is not there' });
    const { ask, silent, onSilence } = asking({ a: missing, b: missing });
    expect(await askPlaces(['a', 'b'].map(place), ask, onSilence)).toEqual([]);
    expect(silent).toEqual(['a', 'b']);
    const down = asking({ a: missing, b: noHosts });
    await expect(askPlaces(['a', 'b'].map(place), down.ask, down.onSilence)).rejects.toBe(noHosts);
  });

  it('hide no other error', async () => {
    const damaged = new TemperError('WorkspaceUnusable', { what: 'it cannot be read' });
    const { ask, silent, onSilence } = asking({ b: damaged });
    await expect(askPlaces(['a', 'b'].map(place), ask, onSilence)).rejects.toBe(damaged);
    expect(silent).toEqual([]);
  });

  it('may be none', async () => {
    const { ask, onSilence } = asking({});
    expect(await askPlaces([], ask, onSilence)).toEqual([]);
  });
});
