"""What the program came to: sales by reseller and month, days to pay, ageing and exempt sales, from the ledger's own items."""
