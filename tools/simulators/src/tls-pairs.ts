/** A self-signed certificate for `localhost` and `127.0.0.1`, valid for a hundred years, and its key; both PEM. */
export interface TlsPair {
  readonly commonName: string;
  readonly cert: string;
  readonly key: string;
}

/** Two pairs for tests of TLS; anybody may know their keys. */
export const TLS_PAIRS: readonly [TlsPair, TlsPair] = [
  {
    commonName: 'first.localhost',
    cert: `-----BEGIN CERTIFICATE-----
MIIBqDCCAU2gAwIBAgIUNmZVEKGV4aJla8udvy5uULhYGi4wCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPZmlyc3QubG9jYWxob3N0MCAXDTI2MTEyNTE4MDAzM1oYDzIx
MjYxMTAxMTgwMDMzWjAaMRgwFgYDVQQDDA9maXJzdC5sb2NhbGhvc3QwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAARE0przLlh/AtrFzE9JwN8WvJahJYZquqbdvk/Z
WIbbFGEp7JEoSjBWlmePFu8Xt3L0yR3PEAANAcveP4NuQbuSo28wbTAdBgNVHQ4E
FgQU5MwS2zj7iGwmrO8L7+LWW8ozc/UwHwYDVR0jBBgwFoAU5MwS2zj7iGwmrO8L
7+LWW8ozc/UwDwYDVR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SH
BH8AAAEwCgYIKoZIzj0EAwIDSQAwRgIhANQcvn0Al2S5kuoHVXMOaIBVoOBdS332
q+0Oz5XiBkTPAiEAsizfMjiMHpVbLgAebUnAp+7mWoNWzpPvWPTlx2tPqeo=
-----END CERTIFICATE-----
`,
    key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUojkBZmHuljqQqyh
gyI0bWpm1PKxag5R6TFwTDUoDtqhRANCAARE0przLlh/AtrFzE9JwN8WvJahJYZq
uqbdvk/ZWIbbFGEp7JEoSjBWlmePFu8Xt3L0yR3PEAANAcveP4NuQbuS
-----END PRIVATE KEY-----
`,
  },
  {
    commonName: 'second.localhost',
    cert: `-----BEGIN CERTIFICATE-----
MIIBqTCCAU+gAwIBAgIUE6225P3cpQktammSL4VWTEjiulAwCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAwwQc2Vjb25kLmxvY2FsaG9zdDAgFw0yNjExMjUxODAwMzNaGA8y
MTI2MTEwMTE4MDAzM1owGzEZMBcGA1UEAwwQc2Vjb25kLmxvY2FsaG9zdDBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABF2MUb++KpPT5KT+ulrwMyLv7f2pJBYsYncH
xSUnLfYI8jlJ5U2M6v0MKuHZIQoSAgnC86N+RGMdQnxD2P3a5t+jbzBtMB0GA1Ud
DgQWBBSBnTpM9x9nKdcDtUnok7tqZeQB5TAfBgNVHSMEGDAWgBSBnTpM9x9nKdcD
tUnok7tqZeQB5TAPBgNVHRMBAf8EBTADAQH/MBoGA1UdEQQTMBGCCWxvY2FsaG9z
dIcEfwAAATAKBggqhkjOPQQDAgNIADBFAiEAwl7/Xz44pvJKEDFOokt8zbbIZYT7
LhTtBzFbj8g1RhYCIDxOieiRaX+RoIOn0q9Ax/8Kw+ACO3vp14A+T6seTqLz
-----END CERTIFICATE-----
`,
    key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHf5QtnSJ1vk5b0ps
IBNNGXODRAYz0wjEa/GzzoOPoYOhRANCAARdjFG/viqT0+Sk/rpa8DMi7+39qSQW
LGJ3B8UlJy32CPI5SeVNjOr9DCrh2SEKEgIJwvOjfkRjHUJ8Q9j92ubf
-----END PRIVATE KEY-----
`,
  },
];
