"""WhaleRay on AWS: DynamoDB, SQS, Cloud Map, SSM and Bedrock behind the ports, and the Lambda functions' entries."""
