// A real mail server of this process, which keeps what it is sent. Knows no test.

import { type ParsedMail, simpleParser } from "mailparser";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { CERTIFICATE, PRIVATE_KEY } from "./config/tls.ts";

export interface MailServer {
  port: number;
  mails: ParsedMail[];
  /** Who signed in. */
  users: string[];
  close(): Promise<void>;
}

/** Its certificate is nobody's: whoever checks it refuses. */
export async function openMailServer(password: string, options: SMTPServerOptions): Promise<MailServer> {
  const mails: ParsedMail[] = [];
  const users: string[] = [];
  const server = new SMTPServer({
    logger: false,
    key: PRIVATE_KEY,
    cert: CERTIFICATE,
    onAuth({ username = "", password: given }, _, done) {
      users.push(username);
      done(given === password ? null : new Error("Invalid sign-in"), { user: username });
    },
    onData(stream, _, done) {
      simpleParser(stream).then(
        (mail) => {
          mails.push(mail);
          done();
        },
        (error: unknown) => done(error as Error),
      );
    },
    ...options,
  });
  server.on("error", () => undefined);
  const { promise, resolve } = Promise.withResolvers<void>();
  const listening = server.listen(0, "127.0.0.1", resolve);
  await promise;
  const at = listening.address();
  return {
    port: typeof at === "object" && at !== null ? at.port : 0,
    mails,
    users,
    close: () => new Promise<void>((done) => server.close(() => done())),
  };
}
