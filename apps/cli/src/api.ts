import { createAuthClient, type AuthClient } from '@heliograph/auth-api';
import { createCodecClient, type CodecClient } from '@heliograph/codec-api';
import { createDispatchClient, type ClientOptions, type DispatchClient } from '@heliograph/dispatch-api';

/** An HTTP API that commands ask, and where its address and key come from. */
export interface Api<TClient> {
  /** As messages name it. */
  readonly name: string;
  readonly urlVariable: string;
  readonly defaultUrl: string;
  readonly keyVariable: string;
  readonly createClient: (options: ClientOptions) => TClient;
}

export const DISPATCH_CENTER: Api<DispatchClient> = {
  name: 'Dispatch Center',
  urlVariable: 'HELIOGRAPH_API_URL',
  defaultUrl: 'http://127.0.0.1:4600',
  keyVariable: 'HELIOGRAPH_API_KEY',
  createClient: createDispatchClient,
};

/** Variables of its own: an auditor's key is seldom the one that reads decisions. */
export const CODEC_SERVER: Api<CodecClient> = {
  name: 'codec server',
  urlVariable: 'HELIOGRAPH_CODEC_API_URL',
  defaultUrl: 'http://127.0.0.1:4700',
  keyVariable: 'HELIOGRAPH_CODEC_API_KEY',
  createClient: createCodecClient,
};

/** Keys, members and roles, as the Dispatch Center serves them; another app that does is another address. */
export const AUTH: Api<AuthClient> = { ...DISPATCH_CENTER, createClient: createAuthClient };
