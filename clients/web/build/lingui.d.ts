// The package has this entry and its types, but does not name them in `exports`.
declare module '@lingui/message-utils/compileMessage' {
  export function compileMessage(message: string): (string | [string, string?, unknown?])[];
}
