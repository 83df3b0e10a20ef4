"""The shop's rows: plain objects named as Saleor names them."""
