import { CodecError } from './errors.ts';

/** @throws CodecError CODEC_OPTIONS_INVALID unless the option, by its name, is as it has to be. */
export function assertOption(isValid: boolean, name: string, expected: string): void {
  if (!isValid) throw new CodecError('CODEC_OPTIONS_INVALID', `The option ${name} has to be ${expected}.`);
}
