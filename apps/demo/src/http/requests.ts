/** What was asked of this node, and done, since it began. */
export class RequestCounts {
  published = 0;
  delivered = 0;
  acknowledged = 0;
  failed = 0;

  get all(): { published: number; delivered: number; acknowledged: number; failed: number } {
    const { published, delivered, acknowledged, failed } = this;
    return { published, delivered, acknowledged, failed };
  }
}
