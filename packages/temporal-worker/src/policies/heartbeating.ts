declare const sendsHeartbeats: unique symbol;

/**
 * An activity that sends heartbeats, as a contract declares it. Only `defineLongJob` of
 * `@heliograph/temporal-worker/activities` makes one, and `proxyClass` demands it for classes with a heartbeat timeout.
 */
export type Heartbeating<F> = F & { readonly [sendsHeartbeats]: true };
