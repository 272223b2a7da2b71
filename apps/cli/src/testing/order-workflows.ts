import { proxyActivities, sleep } from '@temporalio/workflow';

/** What an order asks for. */
export interface OrderActivities {
  charge(card: string): Promise<string>;
}

const { charge } = proxyActivities<OrderActivities>({ startToCloseTimeout: '10 seconds' });

/** Charges a card, then waits for the parcel. */
export async function order(card: string): Promise<string> {
  const receipt = await charge(card);
  await sleep('1 day');
  return receipt;
}
