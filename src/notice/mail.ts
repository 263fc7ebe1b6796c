// Notices as e-mail, through the operator's mail server. Knows no template: a mail is its subject, its text and the data beside it.

import { type Notice, type Send, type Smtp, TRY_MS } from "./notice.ts";

export const sendByMail: Send<{ address: string }> = async ({ address }, notice, { smtp }) => {
  if (smtp === null) throw new Error("there is no mail server: set smtp_host and smtp_from");
  await sendMail(smtp, { to: address, notice });
};

export interface Mail {
  to: string;
  notice: Pick<Notice, "subject" | "text"> & Partial<Pick<Notice, "data">> & { html?: string };
}

/** Resolves once the server has taken it. Rejects with the server's words. */
export async function sendMail(smtp: Smtp, { to, notice }: Mail): Promise<void> {
  const transport = await openTransport(smtp, TRY_MS);
  const { data, html, subject, text } = notice;
  const content = `${JSON.stringify(data, null, 2)}\n`;
  try {
    await transport.sendMail({
      from: smtp.from,
      to,
      subject,
      text,
      ...(html === undefined ? {} : { html }),
      headers: { "Auto-Submitted": "auto-generated" },
      ...(data === undefined
        ? {}
        : { attachments: [{ filename: "notice.json", contentType: "application/json", content }] }),
    });
  } finally {
    transport.close();
  }
}

/** Connects, encrypts and signs in as for a mail, and sends none. Rejects with the server's words. */
export async function checkMail(smtp: Smtp, patienceMs: number): Promise<void> {
  const transport = await openTransport(smtp, patienceMs);
  try {
    await transport.verify();
  } finally {
    transport.close();
  }
}

async function openTransport(smtp: Smtp, patienceMs: number) {
  // Loaded here and not above: most gateways send no mail.
  const { createTransport } = await import("nodemailer");
  return createTransport({
    host: smtp.host,
    port: smtp.port,
    ...chooseSecurity(smtp),
    ...(smtp.username === null ? {} : { auth: { user: smtp.username, pass: smtp.password ?? "" } }),
    connectionTimeout: patienceMs,
    greetingTimeout: patienceMs,
    socketTimeout: patienceMs,
    // What is attached comes from us; nothing in a mail may read the disk or the network.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

const IMPLICIT_TLS_PORT = 465;

function chooseSecurity({ host, password, port, security }: Smtp) {
  switch (security) {
    case "auto": {
      if (port === IMPLICIT_TLS_PORT) return { secure: true };
      return { secure: false, requireTLS: password !== null && !isThisMachine(host) };
    }
    case "none":
      return { secure: false, ignoreTLS: true };
    case "starttls":
      return { secure: false, requireTLS: true };
    case "tls":
      return { secure: true };
    default:
      return security satisfies never;
  }
}

/** Nobody listens in between. */
function isThisMachine(host: string): boolean {
  return /^(?:localhost|127\.[\d.]+|::1|\[::1\])$/iu.test(host);
}
