"""The API that resellers' and end customers' storefronts call with the customer's own Saleor token."""
