/** What qmail-send exits with. */
export const exit = { stopped: 0, temporary: 111 } as const;
