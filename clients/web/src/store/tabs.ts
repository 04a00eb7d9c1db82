// What tabs of one device tell each other. A tab never hears itself.
import type { Link } from '../model/remote.ts';
import type { Id } from '../model/types.ts';

export type TabMessage =
  // These records, or the family's row, changed in the database; 'all': anything may have.
  | { type: 'changed'; familyId: Id; records: Id[] | 'all' }
  // A family came or went, or the device's token changed.
  | { type: 'families' }
  // How sync stands, from the tab that syncs.
  | { type: 'link'; familyId: Id; link: Link }
  // Asks for it.
  | { type: 'links?' }
  // A person wants it now.
  | { type: 'sync' };

export class Tabs {
  private readonly channel: BroadcastChannel;

  constructor(name: string) {
    this.channel = new BroadcastChannel(name);
  }

  tell(message: TabMessage): void {
    this.channel.postMessage(message);
  }

  listen(hear: (message: TabMessage) => void): void {
    this.channel.addEventListener('message', (event: MessageEvent<TabMessage>) => hear(event.data));
  }

  close(): void {
    this.channel.close();
  }
}
