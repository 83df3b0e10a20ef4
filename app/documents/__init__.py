"""What is printed: bank instructions, invoices, statements."""
