/** Thrown where no backup could be had, or none could be put into a running store; the message says what was changed. */
export class BackupRefused extends Error {
  override readonly name = 'BackupRefused'
  /** The reason, for a program: a code of the nodes, or one of those that `client/backup/etcd.ts` names. */
  readonly code: string

  constructor({ code, message }: { readonly code: string; readonly message: string }) {
    super(message)
    this.code = code
  }
}
