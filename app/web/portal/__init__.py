"""The pages a store without front-end developers gives its resellers and their customers; they work without JavaScript."""
