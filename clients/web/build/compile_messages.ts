// Compiles the ICU messages of src/i18n/LANGUAGE/AREA.json into what @lingui/core reads, so that no
// parser is shipped.
import { compileMessage } from '@lingui/message-utils/compileMessage';
import type { Plugin } from 'vite';

export function compileMessages(): Plugin {
  return {
    name: 'nightlog-messages',
    enforce: 'pre',
    transform(code, id) {
      if (!/\/src\/i18n\/[a-z]+\/[a-z]+\.json$/.test(id)) return null;
      const messages = Object.entries(JSON.parse(code) as Record<string, string>);
      return {
        code: JSON.stringify(
          Object.fromEntries(messages.map(([key, message]) => [key, compileMessage(message)])),
        ),
        map: null,
      };
    },
  };
}
