/** Where the API server is, and as whom it is asked: what one request needs. */
export interface Access {
  /** `https://host:port`, perhaps with a path in front of the API's own. */
  readonly server: string;
  /** PEM. Undefined: the authorities that the system trusts. */
  readonly ca?: string | undefined;
  /** PEM of the client's certificate and its key. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly token?: string | undefined;
  /** The name that the server's certificate must be for, where it isn't the host. */
  readonly serverName?: string | undefined;
  /** Trusts whoever answers. */
  readonly insecure?: boolean | undefined;
}

/** Where an access comes from. It is read for each request: tokens and certificates are replaced while a program runs. */
export interface AccessSource {
  /** @throws ClusterError `INVALID_OPTIONS`, naming what is missing or unusable, and never what it contains */
  access(): Promise<Access>;
  namespace(): Promise<string | undefined>;
}
